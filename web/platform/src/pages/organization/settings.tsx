import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="settings" />;

export default Page;
