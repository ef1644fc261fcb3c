import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="reject-link" />;

export default Page;
