import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="register" />;

export default Page;
